package claudetest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/claudetest"
)

func unlimited() claudetest.Options {
	return claudetest.Options{
		Limits: map[string]claudetest.Limits{"": {RequestsPerMinute: 1 << 40, InputTokensPerMinute: 1 << 50, OutputTokensPerMinute: 1 << 50}},
		Output: claudetest.Lengths{Median: 280, Sigma: 0.6},
	}
}

// BenchmarkStream is a streamed reply of about 280 tokens over loopback,
// client included.
func BenchmarkStream(b *testing.B) {
	api := claudetest.Start(b, unlimited())
	in := body("claude-haiku-5-5", strings.Repeat("some text of a webhook ", 200), `,"stream":true`)
	client := raw(api)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			response, err := client.open(b.Context(), "/v1/messages", in)
			if err != nil {
				b.Error(err)
				return
			}
			if n, err := io.Copy(io.Discard, response.Body); err != nil || n < 1000 || response.StatusCode != http.StatusOK {
				b.Errorf("%d bytes, status %d, err %v", n, response.StatusCode, err)
			}
			response.Body.Close()
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "replies/s")
}

// BenchmarkHandler is the same without network and client.
func BenchmarkHandler(b *testing.B) {
	s := &claudetest.Server{Options: unlimited()}
	in := body("claude-haiku-5-5", strings.Repeat("some text of a webhook ", 200), `,"stream":true`)
	b.ReportAllocs()
	for b.Loop() {
		if got := serve(s, in); got.Code != http.StatusOK {
			b.Fatal(got.Body)
		}
	}
}
