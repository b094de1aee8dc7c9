// `npm run demo`: a real control plane, the operator as the chart installs it, examples/contoso, and real TLS servers on what
// was issued. Shows who connects to whom, and stays up to be looked at until Ctrl-C.
//   npm run demo               stays up
//   npm run demo -- --once     ends, with 0 when every handshake went as the trust model says
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { onPath } from '../../test/support/path.ts';
import { startNodePeer } from '../../test/support/peers/node.ts';
import { everythingReady } from '../../test/support/ready.ts';
import { waitFor } from '../../test/support/wait.ts';
import { encounter, printHead } from './encounters.ts';
import { type Telling, tellEvents } from './events.ts';
import { callEverybody } from './mesh.ts';
import { type Network, startNetwork, TOPOLOGY } from './network.ts';
import { blocked, federate, federated } from './partners.ts';
import { businessOf } from './rules.ts';
import { accepted, bot, type Cast, refused, takenOut } from './scenes.ts';
import { listenAs, namesBelievedBy, type Server, serversOf } from './servers.ts';
import { accent, bad, bold, dim, good, heading, print } from './terminal.ts';

const { once: endsItself } = parseArgs({ options: { once: { type: 'boolean', default: false } } }).values;

async function play(running: AsyncDisposableStack, interrupted: Promise<unknown>): Promise<void> {
  print('', `${bold('Trustmesh')}  ${dim('only what the topology names is trusted')}`, '');
  const network = await startNetwork(running);
  const events = running.use(tellEvents(network));
  const servers = await declare(network, events);
  const surprises = await show(servers, network, events, running);

  if (surprises.length > 0) {
    print('', bad('Not every handshake went as the trust model says:'), ...surprises.map((surprise) => `  ${surprise}`));
    process.exitCode = 1;
  } else {
    print('', `${good('✔')} Every handshake went as the trust model says.`);
  }
  if (endsItself) return;
  events.inFull();
  await lookAround(network);
  await interrupted;
  print('', dim('Ending.'));
}

/** Applies the topology as a user does, and waits until it has come true. */
async function declare(network: Network, events: Telling): Promise<readonly Server[]> {
  heading(`kubectl apply -f ${TOPOLOGY}`, 'and the events that follow');
  const started = performance.now();
  await network.kubectl(['apply', '-f', TOPOLOGY]);
  await network.kubectl(['apply', '-f', '-'], JSON.stringify(bot));
  await everythingReady(network.client);
  const servers = await serversOf(network);
  await peersTold(servers, network);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  print(
    '',
    `  ${good('✔')} ${servers.length} servers are Ready and know their peers, ${seconds} s and ${events.count} events later`,
  );
  return servers;
}

/** Peer lists are written a moment after the servers are Ready, many changes at once. */
async function peersTold(servers: readonly Server[], network: Network): Promise<void> {
  for (const server of servers) {
    const peers = servers.filter((other) => other !== server && businessOf(server, other) !== undefined);
    await waitFor(`${server.label} to know its peers`, async () => {
      const known = await namesBelievedBy(server, network);
      return peers.every(({ fqdn }) => known.includes(fqdn));
    });
  }
}

/** Returns sentences about what went otherwise than expected. */
async function show(
  servers: readonly Server[],
  network: Network,
  events: Telling,
  running: AsyncDisposableStack,
): Promise<readonly string[]> {
  const [callees, callers] = await Promise.all([startNodePeer(), startNodePeer()]);
  running.use(callees);
  running.use(callers);
  const listeners = await Promise.all(servers.map((server) => listenAs(server, callees, network)));
  for (const listener of listeners) running.use(listener);
  const indexOf = (label: string): number => servers.findIndex((server) => server.label === label);
  const cast: Cast = {
    network,
    callees,
    server: (label) => present(servers[indexOf(label)], label),
    listener: (label) => present(listeners[indexOf(label)], label),
  };

  const lasting = servers.filter(({ pool }) => pool !== bot.spec.poolFQDN);
  heading('Who connects to whom', 'real handshakes on the issued Secrets; each column is a server called');
  const mesh = await callEverybody(
    lasting,
    lasting.map(({ label }) => cast.listener(label)),
    callers,
  );
  print('', dim(`  ${mesh.handshakes} handshakes: ${mesh.accepted} accepted, ${mesh.handshakes - mesh.accepted} refused`));

  heading('Who was accepted, who was refused, and why');
  printHead();
  const welcome = await encounter(await accepted(cast, running), callers);
  print();
  const unwelcome = await encounter(await refused(cast, running), callers);

  heading('kubectl apply -f partner.yaml', 'another organisation, with a CA of its own: a FederatedPartner');
  const told = events.count;
  const partner = await federate(network);
  await events.quietAfter(told);
  print();
  const met = await encounter(await federated(partner, cast, running), callers);

  heading('kubectl patch federatedpartner fabrikam', 'mode Blocked: refused, whatever its certificate');
  const stopped = await encounter(await blocked(partner, cast, running), callers);

  const { name, namespace } = bot.metadata;
  heading(`kubectl delete trustedserver ${name} -n ${namespace}`, 'and its peers forget it, whatever it keeps');
  const former = cast.server('bot01');
  const before = events.count;
  const since = performance.now();
  await network.kubectl(['delete', 'trustedserver', name, '-n', namespace]);
  const parting = await takenOut(former, since, cast, running);
  await events.quietAfter(before);
  print();
  return [...mesh.surprises, ...welcome, ...unwelcome, ...met, ...stopped, ...(await encounter(parting, callers))];
}

function present<T>(value: T | undefined, label: string): T {
  if (value === undefined) throw new Error(`${TOPOLOGY} declares no ${label}`);
  return value;
}

async function lookAround({ kubeconfig, kubectlPath }: Network): Promise<void> {
  heading('Look around', 'in another terminal');
  const kubectl = (await onPath('kubectl')) === undefined ? kubectlPath : 'kubectl';
  const commands = [
    ['get trustmesh -A', 'all that was declared'],
    ['describe trustedserver pool01 -n voice', 'one server in full'],
    ['get secrets -A -l app.kubernetes.io/managed-by=trustmesh', 'what was issued'],
    ['get configmap trustmesh-contoso-mediation -n voice -o yaml', 'whom Mediation believes'],
    ['delete secret pool01-fe01-tls -n voice', 'and it is issued again'],
    ['delete trustedserver chat -n voice', 'and nobody believes it'],
  ] as const;
  print(`  ${accent(`export KUBECONFIG=${kubeconfig}`)}`);
  for (const [args, remark] of commands) print(`  ${accent(`${kubectl} ${args}`.padEnd(68))}${dim(`# ${remark}`)}`);
  print('', dim('  Events follow as they come. Ctrl-C ends it all.'), '');
}

const running = new AsyncDisposableStack();
// Only once: who cannot wait for an orderly end presses Ctrl-C again.
const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
const played = play(running, interrupted).then(() => 'played' as const);
try {
  // When it stays up, both are settled by the same signal, and it has been played.
  const outcome = await Promise.race([played, interrupted.then(() => setImmediate('interrupted' as const))]);
  if (outcome !== 'played') process.exitCode = 130;
} catch (error) {
  print('', bad(error instanceof Error ? error.message : String(error)));
  process.exitCode = 1;
} finally {
  await running.disposeAsync();
}
// What was just being started when it was interrupted ends with this process.
process.exit();
