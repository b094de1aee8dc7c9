// What of an object is kept in memory.
import { configMaps, secrets, trustedServers } from '../../../operator/kube/resource.ts';
import { dropManagedFields, metadataOnly, type ReceivedObject } from '../../../operator/kube/transform.ts';

const received = {
  metadata: {
    namespace: 'voice',
    name: 'fe01-tls',
    uid: 'uid',
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { 'app.kubernetes.io/managed-by': 'trustmesh' },
    annotations: {
      'trustmesh.io/serial': '01',
      'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"tls.key":"c2VjcmV0"}}',
    },
    managedFields: [
      {
        manager: 'trustmesh',
        operation: 'Update',
        fieldsV1: { 'f:data': { '.': {}, 'f:tls.crt': {}, 'f:tls.key': {} }, 'f:type': {} },
      },
      {
        manager: 'trustmesh',
        operation: 'Apply',
        fieldsV1: { 'f:data': { 'f:ca.crt': {} }, 'f:binaryData': { 'f:truststore.p12': {} } },
      },
      { manager: 'kubectl-edit', operation: 'Update', fieldsV1: { 'f:data': { 'f:extra': {} } } },
    ],
  },
} satisfies ReceivedObject;

describe('metadata alone', () => {
  const kept = metadataOnly(secrets, 'trustmesh');

  it('says which data keys are still ours, whatever the verb that wrote them', () => {
    expect(kept(received).metadata.ownedDataKeys).toEqual(['ca.crt', 'tls.crt', 'tls.key', 'truststore.p12']);
  });

  it('has the kind of the object, not that of the wire, and nothing of its data', () => {
    const wire = { ...received, apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', data: { 'tls.key': 'c2VjcmV0' } };
    const object = kept(wire);
    expect(object).toMatchObject({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { annotations: { 'trustmesh.io/serial': '01' } },
    });
    expect(JSON.stringify(object)).not.toMatch(/c2VjcmV0|managedFields|last-applied/);
  });

  it('has no keys where nothing of the data is ours', () => {
    const foreign = { metadata: { ...received.metadata, managedFields: received.metadata.managedFields.slice(2) } };
    expect(kept(foreign).metadata).not.toHaveProperty('ownedDataKeys');
  });

  it('shares what repeats', () => {
    const [first, second] = [kept(structuredClone(received)), kept(structuredClone(received))];
    expect(first.metadata.ownedDataKeys).toBe(second.metadata.ownedDataKeys);
  });
});

describe('a whole object', () => {
  it('comes without managedFields and without the copy that kubectl keeps', () => {
    const object = dropManagedFields(configMaps)({ ...received, ...{ data: { 'ca.crt': 'PEM' } } });
    expect(object).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { 'ca.crt': 'PEM' } });
    expect(object.metadata.annotations).toEqual({ 'trustmesh.io/serial': '01' });
    expect(object.metadata).not.toHaveProperty('managedFields');
  });

  it('is told its group', () => {
    expect(dropManagedFields(trustedServers)(received)).toMatchObject({
      apiVersion: 'trustmesh.io/v1alpha1',
      kind: 'TrustedServer',
    });
  });
});
