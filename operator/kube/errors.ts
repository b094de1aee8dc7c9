// What can go wrong when the API server is asked for something, by meaning: callers decide on the reason, people read the message.

export type ErrorReason =
  | 'NotFound'
  | 'Conflict'
  | 'AlreadyExists'
  /** The API server knows us and says no, or does not know us (401). */
  | 'Forbidden'
  /** The resourceVersion or continue token asked for is no longer to be had: list again. */
  | 'Gone'
  /** The request can never succeed as it is. */
  | 'Invalid'
  /** No answer, or one that another attempt may change. A write may or may not have happened: observe again. */
  | 'Transient'
  /** We are no longer leader: the write was refused here, or cut off on its way. */
  | 'Fenced';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly reason: ErrorReason;
  /** The HTTP status, or 0 when there was no answer. */
  readonly status: number;
  readonly retryAfterMs?: number;
  /** `details` of the metav1.Status that the API server sent. */
  readonly details?: unknown;

  constructor(
    reason: ErrorReason,
    message: string,
    about: {
      readonly status?: number;
      readonly retryAfterMs?: number | undefined;
      readonly details?: unknown;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.reason = reason;
    this.status = about.status ?? 0;
    if (about.retryAfterMs !== undefined) this.retryAfterMs = about.retryAfterMs;
    if (about.details !== undefined) this.details = about.details;
  }
}

/** Whether `error` came from the API server (or the way to it), for one of `reasons` where any are given. */
export function isApiError(error: unknown, ...reasons: readonly ErrorReason[]): error is ApiError {
  return error instanceof ApiError && (reasons.length === 0 || reasons.includes(error.reason));
}

/** Whether a write was refused because the Secret or ConfigMap is `immutable`: its data never change again. */
export function isImmutable(error: unknown): boolean {
  return isApiError(error, 'Invalid') && /field is immutable when `immutable` is set/.test(error.message);
}

/** The fields of metav1.Status that say why. */
export interface Status {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/**
 * @param request what was asked, for the message: "patch secrets media/fe01-tls"
 * @param body the answer's text: a metav1.Status, or whatever a proxy on the way said
 * @param retryAfter the Retry-After header: seconds, or an HTTP date
 */
export function errorOfAnswer(request: string, code: number, body: string, retryAfter: string | undefined): ApiError {
  const status = parseStatus(body);
  return errorOfStatus(request, { ...status, code, message: status?.message ?? body.slice(0, 200).trim() }, retryAfter);
}

/** The error for a metav1.Status, be it an answer of its own or an ERROR event of a watch. */
export function errorOfStatus(request: string, status: Status, retryAfter?: string): ApiError {
  const code = status.code ?? 0;
  const seconds = status.details?.retryAfterSeconds;
  return new ApiError(
    reasonOf(code, status.reason),
    `${request}: ${status.message || status.reason || 'no reason given'} (${code})`,
    {
      status: code,
      retryAfterMs: parseRetryAfter(retryAfter) ?? (seconds === undefined ? undefined : seconds * 1000),
      details: status.details,
    },
  );
}

function reasonOf(code: number, reason: string | undefined): ErrorReason {
  switch (code) {
    case 401:
    case 403:
      return 'Forbidden';
    case 404:
      return 'NotFound';
    case 409:
      return reason === 'AlreadyExists' ? 'AlreadyExists' : 'Conflict';
    case 410:
      return 'Gone';
    case 408:
    case 429:
      return 'Transient';
    default:
      return code >= 400 && code < 500 ? 'Invalid' : 'Transient';
  }
}

/** In milliseconds; undefined when absent or unreadable (RFC 9110, section 10.2.3). */
export function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function parseStatus(body: string): Status | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Status) : undefined;
  } catch {
    return undefined;
  }
}
