package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"

	"github.com/netcore-go/netcore/kernel"
)

// ErrNotRunning: no netcore answers on the socket.
var ErrNotRunning = errors.New("no netcore runs with this run_dir")

// maxAnswer bounds what a client reads: MaxConnections connections and more.
const maxAnswer = 64 << 20

// A Client speaks to a running netcore over its unix socket. Its methods may be
// called from any goroutine. Their errors are ErrNotRunning, those of package
// kernel, or have the server's text.
type Client struct {
	runDir string
	http   http.Client
}

// NewClient returns the client of the netcore with the given run_dir. It
// connects at each call, and holds nothing that must be closed.
func NewClient(runDir string) *Client {
	path := SocketPath(runDir)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	return &Client{runDir: runDir, http: http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
	}}
}

// Status returns what the kernel does.
func (c *Client) Status(ctx context.Context) (status kernel.Status, err error) {
	err = c.do(ctx, http.MethodGet, "/v1/status", nil, &status)
	return status, err
}

// Plugins returns the slots of all plugins.
func (c *Client) Plugins(ctx context.Context) ([]kernel.PluginStatus, error) {
	var body pluginsBody
	err := c.do(ctx, http.MethodGet, "/v1/plugins", nil, &body)
	return body.Plugins, err
}

// Stats returns what has passed through the kernel.
func (c *Client) Stats(ctx context.Context) (stats Stats, err error) {
	err = c.do(ctx, http.MethodGet, "/v1/stats", nil, &stats)
	return stats, err
}

// Connections returns at most limit connections, of all listeners if listener
// is empty. A limit of 0 is 100.
func (c *Client) Connections(ctx context.Context, limit int, listener string) ([]kernel.ConnectionInfo, error) {
	query := url.Values{}
	if limit != 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	if listener != "" {
		query.Set("listener", listener)
	}
	var body connectionsBody
	err := c.do(ctx, http.MethodGet, "/v1/connections?"+query.Encode(), nil, &body)
	return body.Connections, err
}

// CloseConnection ends a connection.
func (c *Client) CloseConnection(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, "/v1/connections/"+url.PathEscape(id), nil, nil)
}

// Swap replaces a plugin, by the executable that it has if path is empty. It
// returns when the swap has ended.
func (c *Client) Swap(ctx context.Context, plugin, path string) (report kernel.SwapReport, err error) {
	err = c.do(ctx, http.MethodPost, "/v1/swap", swapRequest{pluginRequest{plugin}, path}, &report)
	return report, err
}

// Rollback swaps a plugin back to the version before.
func (c *Client) Rollback(ctx context.Context, plugin string) (report kernel.SwapReport, err error) {
	err = c.do(ctx, http.MethodPost, "/v1/rollback", pluginRequest{plugin}, &report)
	return report, err
}

// Reset ends a plugin's quarantine.
func (c *Client) Reset(ctx context.Context, plugin string) error {
	return c.do(ctx, http.MethodPost, "/v1/reset", pluginRequest{plugin}, nil)
}

// Reload makes the process read its configuration again.
func (c *Client) Reload(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/v1/reload", nil, nil)
}

// Drain makes the process end as Stop without force does, and returns when all
// connections have ended or were cut off.
func (c *Client) Drain(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/v1/drain", nil, nil)
}

// Stop makes the process drain and end, or with force end at once. It does not
// wait for that.
func (c *Client) Stop(ctx context.Context, force bool) error {
	return c.do(ctx, http.MethodPost, "/v1/stop", stopRequest{force}, nil)
}

// do sends in, if it is not nil, and decodes the answer into out, if that is
// not nil.
func (c *Client) do(ctx context.Context, method, route string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://netcore"+route, body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.dialError(err)
	}
	defer resp.Body.Close()
	return decodeAnswer(resp, out)
}

// dialError gives the way out where nobody listens, and drops net/http's
// made-up URL from other errors.
func (c *Client) dialError(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: nobody answers on %s", ErrNotRunning, SocketPath(c.runDir))
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return err
}

func decodeAnswer(resp *http.Response, out any) error {
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode >= 300 {
		var body errorBody
		if json.Unmarshal(data, &body) != nil || body.Error == "" {
			return fmt.Errorf("the server answered %s", resp.Status)
		}
		return &remoteError{body}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
