package claude

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestFuse blows once it has burnt down, and not when it was put out, lit anew,
// or when this process slept past its end.
func TestFuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		do   func(f *fuse)
		want time.Duration // from the first lighting; 0: never
	}{
		{"left alone", func(*fuse) {}, time.Minute},
		{"put out", func(f *fuse) { f.putOut() }, 0},
		{"lit anew", func(f *fuse) { time.Sleep(30 * time.Second); f.light(time.Minute, errIdle) }, 90 * time.Second},
		{"lit after it was put out", func(f *fuse) { f.putOut(); time.Sleep(time.Hour); f.light(time.Minute, errIdle) }, time.Hour + time.Minute},
		// A process that is stopped runs no timer; the clock goes on.
		{"slept through", func(f *fuse) {
			f.mu.Lock()
			f.timer.Stop()
			f.mu.Unlock()
			time.Sleep(2 * time.Minute)
			f.burnt()
		}, 3 * time.Minute},
		{"a little late", func(f *fuse) {
			f.mu.Lock()
			f.timer.Stop()
			f.mu.Unlock()
			time.Sleep(time.Minute + tardy/2)
			f.burnt()
		}, time.Minute + tardy/2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, blown := time.Now(), time.Duration(0)
				f := &fuse{blow: func(cause error) {
					if blown = time.Since(began); cause != errIdle {
						t.Errorf("got cause %v, want %v", cause, errIdle)
					}
				}}
				f.light(time.Minute, errIdle)
				tt.do(f)
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if blown != tt.want {
					t.Errorf("it blew after %v, want %v", blown, tt.want)
				}
			})
		})
	}
}
