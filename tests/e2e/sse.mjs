// Reads what a server sends as server-sent events.
import assert from 'node:assert/strict';

/** Yields { id, event, data } of an answer's body. */
export async function* parseEvents(body) {
    const decoder = new TextDecoder();
    let text = '';
    for await (const bytes of body) {
        text += decoder.decode(bytes, { stream: true });
        for (let end; (end = text.indexOf('\n\n')) >= 0; text = text.slice(end + 2)) {
            const fields = text.slice(0, end).split('\n').filter((line) => line && !line.startsWith(':'))
                .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]);
            if (fields.length > 0) {
                yield Object.fromEntries(fields);
            }
        }
    }
}

/** Asks for a path, yields its messages and stops when the caller does. */
export async function* serverSentEvents(server, path, headers = {}) {
    const abort = new AbortController();
    const response = await server.request('GET', path, { headers: { accept: 'text/event-stream', ...headers }, signal: abort.signal });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^text\/event-stream/);
    try {
        yield* parseEvents(response.body);
    } finally {
        abort.abort();
    }
}
