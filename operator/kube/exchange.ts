// One HTTP exchange over a pool, at undici's lowest level: a body in memory or a stream of lines, a time limit over everything
// (waiting for a connection included), and an abort that a request still waiting in the pool obeys by never being sent.
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Any of them ends the exchange. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** From the call to the last byte of the answer, ms. */
  readonly timeLimitMs: number;
  /** The longest time without a byte of the answer, ms. */
  readonly silenceLimitMs?: number;
  /** Receives the body line by line while it arrives, where the status is 200. Without it the body is returned. */
  readonly onLine?: (line: string) => void;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** The exchange took longer than it may. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError';
}

/** @throws what broke the connection, a {@link TimeLimitError}, a signal's reason, or what `onLine` threw */
export function exchange(dispatcher: Dispatcher, request: Exchange): Promise<Answer> {
  const { signals, timeLimitMs, silenceLimitMs, onLine } = request;
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let controller: Dispatcher.DispatchController | undefined;
  let failure: Error | undefined;
  let status = 0;
  let headers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  const lines = onLine === undefined ? undefined : lineSplitter(onLine);

  const late = (what: string) => fail(new TimeLimitError(what));
  const limit = setTimeout(late, timeLimitMs, `no complete answer within ${timeLimitMs} ms`);
  const silence =
    silenceLimitMs === undefined ? undefined : setTimeout(late, silenceLimitMs, `not a byte within ${silenceLimitMs} ms`);
  const onAbort = () => fail(asError(signals.find((signal) => signal?.aborted)?.reason));
  for (const signal of signals) signal?.addEventListener('abort', onAbort);

  function settle() {
    clearTimeout(limit);
    clearTimeout(silence);
    for (const signal of signals) signal?.removeEventListener('abort', onAbort);
  }
  function fail(error: Error) {
    if (failure !== undefined) return;
    failure = error;
    settle();
    reject(error);
    controller?.abort(error);
  }

  if (signals.some((signal) => signal?.aborted)) {
    onAbort();
    return promise;
  }
  dispatcher.dispatch(
    {
      method: request.method,
      path: request.path,
      headers: request.headers,
      body: request.body ?? null,
      headersTimeout: 0,
      bodyTimeout: 0,
    },
    {
      onRequestStart(started) {
        controller = started;
        if (failure !== undefined) started.abort(failure);
      },
      onResponseStart(_, code, received) {
        status = code;
        headers = received;
        silence?.refresh();
      },
      onResponseData(_, chunk) {
        silence?.refresh();
        if (lines === undefined || status !== 200) chunks.push(chunk);
        else if (failure === undefined) {
          try {
            lines(chunk);
          } catch (error) {
            fail(asError(error));
          }
        }
      },
      onResponseEnd() {
        settle();
        const [only] = chunks;
        resolve({ status, headers, text: chunks.length === 1 && only ? only.toString() : Buffer.concat(chunks).toString() });
      },
      onResponseError(_, error) {
        fail(error);
      },
    },
  );
  return promise;
}

/** Splits at line feeds only: a chunk may end within a line, and within a character. */
function lineSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest: Buffer[] = [];
  return (chunk) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      const line =
        rest.length === 0 ? chunk.toString('utf8', from, end) : Buffer.concat([...rest, chunk.subarray(from, end)]).toString();
      rest = [];
      from = end + 1;
      if (line !== '') onLine(line);
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
