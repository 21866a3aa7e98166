// Reads what a server sends as server-sent events.
import assert from 'node:assert/strict';

/** Yields { id, event, data } and stops when the caller does. */
export async function* serverSentEvents(server, path, headers = {}) {
    const abort = new AbortController();
    const response = await server.request('GET', path, { headers: { accept: 'text/event-stream', ...headers }, signal: abort.signal });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^text\/event-stream/);
    const decoder = new TextDecoder();
    let text = '';
    try {
        for await (const bytes of response.body) {
            text += decoder.decode(bytes, { stream: true });
            for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
                const fields = text.slice(0, end).split('\n').filter((line) => line && !line.startsWith(':'))
                    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]);
                if (fields.length > 0) {
                    yield Object.fromEntries(fields);
                }
            }
        }
    } finally {
        abort.abort();
    }
}
