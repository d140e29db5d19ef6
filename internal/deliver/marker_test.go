package deliver

import "testing"

// A marker that was copied from one place to another is none there.
func TestAMarkerHoldsAtItsPlaceOnly(t *testing.T) {
	t.Parallel()
	key, here := []byte("0123456789abcdef"), place{Owner: "Octo", Name: "site", Number: 7}
	seal := marker{hook: "h", job: "job_1"}.seal(key, here)
	for at, want := range map[place]bool{
		here: true, {Owner: "octo", Name: "SITE", Number: 7}: true, {Owner: "octo", Name: "site", Number: 8}: false, {Owner: "octo", Name: "other", Number: 7}: false,
	} {
		if m, ok := findMarker("x\n"+seal, key, at); ok != want || ok && m.job != "job_1" {
			t.Errorf("%v: got %+v, %v; want %v", at, m, ok, want)
		}
	}
	if _, ok := findMarker(seal, []byte("another key, 16+"), here); ok {
		t.Error("another key's marker is taken")
	}
}
