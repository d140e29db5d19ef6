package forebay_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/forebayhq/forebay"
	"github.com/forebayhq/forebay/claudetest"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/event"
	"github.com/forebayhq/forebay/verify"
)

// A server inside another program: a Go function gathers what the prompt needs,
// another takes the answer.
func Example() {
	claude, err := claudetest.New(claudetest.Options{Reply: func(r claudetest.Request) claudetest.Reply {
		return claudetest.Reply{Text: fmt.Sprint("stock known: ", strings.Contains(r.Prompt(), "41 left"))}
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	api := httptest.NewServer(claude)
	defer api.Close()

	dir, err := os.MkdirTemp("", "forebay-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	text := `listen: "127.0.0.1:0"
admin: {listen: "off"}
claude: {api_key: example-key, base_url: "` + api.URL + `"}
egress: {allow: ["` + strings.TrimPrefix(api.URL, "http://") + `"]}
hooks:
  orders:
    source: {type: token, secrets: [a-token-of-the-example]}
    gather: {stock: {func: stock}}
    model: haiku
    prompt: "Order {{ .payload.id }}: {{ .stock }}"
    deliver: [func: tell]
`
	cfg, err := config.Parse(filepath.Join(dir, "forebay.yaml"), []byte(text), dir, os.LookupEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	told := make(chan string, 1)
	server, err := forebay.New(context.Background(), forebay.Options{
		Config: cfg,
		Gather: map[string]func(context.Context, event.Event) (any, error){
			"stock": func(context.Context, event.Event) (any, error) { return "41 left", nil },
		},
		Targets: map[string]func(context.Context, event.Job) error{
			"tell": func(_ context.Context, job event.Job) error { told <- job.Result.Text; return nil },
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := server.Start(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Stop(context.Background()) }()

	r, err := verify.Sign(verify.Config{Type: "token", Secrets: []string{"a-token-of-the-example"}}, verify.SignInput{Body: []byte(`{"id": 7}`), Now: time.Now()})
	if err != nil {
		fmt.Println(err)
		return
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+server.Addr().String()+"/hooks/orders", bytes.NewReader(r.Body))
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header = r.Header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()
	fmt.Println(resp.StatusCode)
	fmt.Println(<-told)
	// Output:
	// 202
	// stock known: true
}
