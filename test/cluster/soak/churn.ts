// Random changes of a topology, all of them decided by one seed: what is declared now is told by `pools`.
import type { KubeClient } from '../../../operator/kube/client.ts';
import { isApiError } from '../../../operator/kube/errors.ts';
import { trustedServers } from '../../../operator/kube/resource.ts';
import { manifestOf, namespaces, type Pool, poolFQDN, roles, usesOf } from './model.ts';

/** Mulberry32: numbers from 0 to 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A need may be issued five times an hour before the operator wants to know who destroys it: changes and crashes count. */
const changesPerServer = 2;

export class Churn {
  readonly #admin: KubeClient;
  readonly #random: () => number;
  readonly #pools = new Map<string, Pool>();
  readonly #changes = new Map<string, number>();
  #made = 0;
  /** What was done, by kind. */
  readonly done: Record<string, number> = {};

  constructor(admin: KubeClient, random: () => number) {
    this.#admin = admin;
    this.#random = random;
  }

  get pools(): readonly Pool[] {
    return [...this.#pools.values()];
  }

  async create(): Promise<void> {
    const role = this.#pick(roles);
    await this.#declare({
      name: `s${this.#made++}`,
      namespace: this.#pick(namespaces),
      role,
      scope: this.#pick(['PerMember', 'Pool']),
      members: Array.from({ length: 1 + Math.floor(this.#random() * 2) }, () => this.#newLabel()),
      uses: usesOf[role],
      ...(role === 'Server' && this.#random() < 0.3 ? { peers: this.#somePeers() } : {}),
    });
    this.#count('created');
  }

  /** Changes, deletes or replaces one server, or adds one in place of a deleted one. */
  async step(servers: number): Promise<void> {
    const pool = this.#pick(this.pools);
    const dice = this.#random();
    if (this.#pools.size < servers && dice < 0.5) return await this.create();
    if (dice < 0.6) return await this.#change(pool);
    if (dice < 0.85) return await this.#remove(pool);
    await this.#remove(pool);
    await this.#declare({ ...pool, scope: pool.scope === 'Pool' ? 'PerMember' : 'Pool', members: [this.#newLabel()] });
    this.#count('replaced');
  }

  async #change(pool: Pool): Promise<void> {
    const changes = this.#changes.get(pool.name) ?? 0;
    if (changes === changesPerServer) return;
    this.#changes.set(pool.name, changes + 1);
    const changed = this.#changed(pool);
    const key = { namespace: pool.namespace, name: pool.name };
    const { spec } = manifestOf(changed);
    await retried(async () => {
      const { resourceVersion } = (await this.#admin.get(trustedServers, key)).metadata;
      await this.#admin.patch(trustedServers, key, { metadata: { resourceVersion }, spec });
    });
    this.#pools.set(pool.name, changed);
    this.#count('changed');
  }

  #changed(pool: Pool): Pool {
    const { uses, members } = pool;
    if (uses.length > 1 && this.#random() < 0.3) return { ...pool, uses: uses.filter((_, index) => index !== uses.length - 1) };
    if (members.length > 1 && this.#random() < 0.5) return { ...pool, members: members.slice(1) };
    return { ...pool, members: [...members, this.#newLabel()] };
  }

  async #declare(pool: Pool): Promise<void> {
    await this.#admin.request(
      'POST',
      `/apis/trustmesh.io/v1alpha1/namespaces/${pool.namespace}/trustedservers`,
      manifestOf(pool),
    );
    this.#pools.set(pool.name, pool);
    this.#changes.set(pool.name, 0);
  }

  async #remove({ name, namespace }: Pool): Promise<void> {
    await this.#admin.delete(trustedServers, { namespace, name });
    this.#pools.delete(name);
    this.#count('deleted');
  }

  #somePeers(): readonly string[] {
    const servers = this.pools.filter(({ role }) => role === 'Server');
    return servers.length === 0 ? [] : [poolFQDN(this.#pick(servers))];
  }

  #newLabel(): string {
    return `m${this.#made++}`;
  }

  #pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.#random() * choices.length)];
    if (choice === undefined) throw new RangeError('nothing to choose from');
    return choice;
  }

  #count(what: string): void {
    this.done[what] = (this.done[what] ?? 0) + 1;
  }
}

/** The operator writes the status of the same object. */
async function retried(change: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await change();
    } catch (error) {
      if (!isApiError(error, 'Conflict')) throw error;
    }
  }
}
