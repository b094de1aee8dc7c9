// Starting the operator: when it cannot run, whoever started it reads why. That it runs is shown by every cluster test.
import { startOperator } from '../../support/operator.ts';

it('throws what the operator said where it ends instead of becoming ready', async () => {
  const started = startOperator({ kubeconfig: '/nonexistent/kubeconfig' });
  await expect(started).rejects.toThrow(/^the operator ended with 1:\n.*\/nonexistent\/kubeconfig/s);
});

it('throws what is wrong with a flag', async () => {
  const started = startOperator({ kubeconfig: '/nonexistent/kubeconfig', args: ['--log-level', 'loud'] });
  await expect(started).rejects.toThrow(
    /^the operator ended with 2:\n.*--log-level.*"loud" is not one of error, warn, info, debug/s,
  );
});
