// A namespace that changes moves every server in it, once each.
import { Topology } from '../../../operator/topology/topology.ts';
import { admitting, keyOf, namespace, trustDomain, trustedServer } from './objects.ts';

it('tells each server of a namespace once that it changes, however many there are', () => {
  const told: string[] = [];
  const topology = new Topology({
    dirty: {
      server: (key) => {
        // Each is told a few times at most: more is a loop that would never end.
        if (told.push(key) > 100) throw new Error('told of the same servers without end');
      },
      domain: () => undefined,
      bundle: () => undefined,
      gateway: () => undefined,
      relay: () => undefined,
      federation: () => undefined,
    },
    issued: () => [],
    inGrace: () => false,
  });
  topology.setNamespace('voice', namespace('voice'));
  topology.setDomain('contoso', trustDomain('contoso', admitting('voice')));
  const servers = [trustedServer('pool01', 'FrontEnd'), trustedServer('director', 'Director'), trustedServer('chat', 'Server')];
  for (const server of servers) topology.setServer(keyOf(server), server);
  told.length = 0;
  topology.setNamespace('voice', namespace('voice', {}, true));
  expect(told.sort()).toEqual(['voice/chat', 'voice/director', 'voice/pool01']);
});
