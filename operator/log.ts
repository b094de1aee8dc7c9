// Winston, as the rooms know it: one line a decision, with its object and reason.
import winston from 'winston';
import type { Config } from './config.ts';
import type { Log } from './kube/log.ts';

export function createLog({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>): Log {
  const { combine, timestamp, json, printf } = winston.format;
  const text = printf(({ timestamp: at, level, message, ...fields }) => {
    const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(value)}`);
    return `${String(at)} ${level.padEnd(5)} ${inOneLine(String(message))}${rest.join('')}`;
  });
  const logger = winston.createLogger({
    level: logLevel,
    format:
      logFormat === 'json'
        ? combine(timestamp(), json({ replacer: (_key, value) => withoutKeys(value) }))
        : combine(timestamp(), text),
    transports: [new winston.transports.Console({ stderrLevels: [] })],
  });
  const at = (level: Config['logLevel']) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    // As one object: beside a message of its own, winston appends a field called `message` to the text.
    logger.log({ ...fields, level, message });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function quoted(value: unknown): string {
  const text = withoutKeys(typeof value === 'string' ? value : String(JSON.stringify(value)));
  return text === '' || /[\s="\p{Cc}]/u.test(text) ? JSON.stringify(text) : text;
}

/** What a peer or a tenant wrote must not begin a line of its own. */
function inOneLine(text: string): string {
  return withoutKeys(text).replaceAll(/\p{Cc}+/gu, ' ');
}

/** No caller hands a private key in; were one to, as part of an error perhaps, it would not get out. */
function withoutKeys<T>(value: T): T | string {
  return typeof value === 'string'
    ? value.replaceAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)/gs, '[private key]')
    : value;
}
