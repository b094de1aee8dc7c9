// The operator's events, as they come: a line each at first, when there are many, and in full later.
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { Reflector } from '../../operator/kube/reflector.ts';
import { type Event, events } from '../../operator/kube/resource.ts';
import { Store } from '../../operator/kube/store.ts';
import type { Network } from './network.ts';
import { accent, dim, good, print, row, shortened, WIDTH, warning } from './terminal.ts';

const told = z.object({
  type: z.string(),
  reason: z.string(),
  note: z.string(),
  reportingController: z.string(),
  regarding: z.object({ name: z.string(), namespace: z.string().optional() }),
});

const widths = [2, 9, 20] as const;
const room = WIDTH - widths.reduce((sum, width) => sum + width, 0);

/** Milliseconds without an event after which what has happened has been told. */
const QUIET_MS = 500;
/** Milliseconds that events, which are sent as best they can be, are waited for. */
const PATIENCE_MS = 5_000;

export interface Telling extends AsyncDisposable {
  /** How many events there were so far. */
  readonly count: number;
  /** Resolves once there have been more than `known`, and none for a moment. */
  quietAfter(known: number): Promise<void>;
  /** From now on in full, on as many lines as it takes. */
  inFull(): void;
}

/** Starts telling; the times are seconds from now on. */
export function tellEvents({ client }: Network): Telling {
  const started = performance.now();
  const ended = new AbortController();
  const store = new Store<Event>();
  let count = 0;
  let last = started;
  let whole = false;
  const listening = store.onChange(({ old, new: current }) => {
    if (current === undefined || old !== undefined) return;
    const event = told.parse(current);
    if (event.reportingController !== 'trustmesh.io/operator') return;
    count += 1;
    last = performance.now();
    print(...lines(event, (last - started) / 1000, whole));
  });
  const running = new Reflector({ client, resource: events, store }).run(ended.signal);
  return {
    get count() {
      return count;
    },
    quietAfter: async (known) => {
      const limit = performance.now() + PATIENCE_MS;
      while ((count <= known || performance.now() - last < QUIET_MS) && performance.now() < limit) await pause(50);
    },
    inFull: () => {
      whole = true;
    },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await running;
      listening[Symbol.dispose]();
    },
  };
}

function lines({ type, reason, note, regarding }: z.infer<typeof told>, seconds: number, whole: boolean): readonly string[] {
  const { name, namespace } = regarding;
  const about = namespace === undefined ? name : `${namespace}/${name}`;
  return row(
    [
      { text: '' },
      { text: `${seconds.toFixed(1).padStart(5)} s`, style: dim },
      { text: reason, style: type === 'Warning' ? warning : reason.startsWith('Certificate') ? good : accent },
      { text: whole ? `${about}: ${note}` : shortened(note, room) },
    ],
    widths,
  );
}
