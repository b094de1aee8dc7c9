// Winston, as the rooms know it: one line a decision, with its object and reason.
import winston from 'winston';
import type { Config } from './config.ts';
import type { Log } from './kube/log.ts';

export function createLog({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>): Log {
  const { combine, timestamp, json, printf } = winston.format;
  const text = printf(({ timestamp: at, level, message, ...fields }) => {
    const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${quoted(value)}`);
    return `${String(at)} ${level.padEnd(5)} ${String(message)}${rest.join('')}`;
  });
  const logger = winston.createLogger({
    level: logLevel,
    format: logFormat === 'json' ? combine(timestamp(), json()) : combine(timestamp(), text),
    transports: [new winston.transports.Console({ stderrLevels: [] })],
  });
  const at = (level: Config['logLevel']) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    logger.log(level, message, fields);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /[\s="]/.test(text) ? JSON.stringify(text) : text;
}
