// Keeps the shared certificates. Keys: `Domain/<trust domain>` and `Pool/<namespace>/<server>`.
import type { Requeue } from '../../kube/controller.ts';
import type { Context } from '../context.ts';
import { requeueAt } from '../requeue.ts';
import { enact } from './enact.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';
import { reportFailure, reportRolled } from './report.ts';

export async function reconcileSharedCertificate(key: string, context: Context): Promise<Requeue | void> {
  const observation = observe(key, context);
  if (observation === undefined) return;
  const { roll, lookAgainAt } = plan(observation, context.now());
  if (roll !== undefined) {
    try {
      reportRolled(observation, roll, await enact(observation, roll, context), context);
    } catch (error) {
      reportFailure(observation, roll, error, context);
      throw error;
    }
    return { requeueAfterMs: 1000 };
  }
  return requeueAt(lookAgainAt, context.now());
}
