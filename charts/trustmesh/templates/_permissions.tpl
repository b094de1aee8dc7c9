{{/*
What the operator may do, by the reason it needs it. rbac.yaml says where each holds.
Every line is used by the operator: a missing one fails the cluster tests, which run it under these rules and no others.
*/}}

{{/* To know the authorities, trust domains and partners that are declared, and to say how they fare. */}}
{{- define "trustmesh.permissions.domains" -}}
- apiGroups: [trustmesh.io]
  resources: [enterprisecas, trustdomains, federatedpartners]
  verbs: [get, list, watch]
- apiGroups: [trustmesh.io]
  resources: [enterprisecas/status, trustdomains/status, federatedpartners/status]
  verbs: [patch]
{{- end -}}

{{/* To know the servers, gateways and relays that are declared, and to say how they fare. */}}
{{- define "trustmesh.permissions.servers" -}}
- apiGroups: [trustmesh.io]
  resources: [trustedservers, mediagateways, mediarelays]
  verbs: [get, list, watch]
- apiGroups: [trustmesh.io]
  resources: [trustedservers/status, mediagateways/status, mediarelays/status]
  verbs: [patch]
{{- end -}}

{{/*
To write certificates and bundles, and to notice when someone else does. No get of Secrets: a key that was issued is never
read back; list and watch are made for metadata alone, though Kubernetes cannot grant only that. ConfigMaps are read where
somebody names one that holds the CA of a gateway.
*/}}
{{- define "trustmesh.permissions.outputs" -}}
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
{{- end -}}

{{/* To read the keys of its authorities and of shared certificates, and the journal; all lie in its own namespace. */}}
{{- define "trustmesh.permissions.records" -}}
- apiGroups: [""]
  resources: [secrets, configmaps]
  verbs: [get]
{{- end -}}

{{/* To lead alone. Kubernetes cannot restrict create by name. */}}
{{- define "trustmesh.permissions.leadership" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [trustmesh]
  verbs: [get, patch]
{{- end -}}

{{/* To say what happened, and after a restart to go on counting where the Event of the same name has got to. */}}
{{- define "trustmesh.permissions.events" -}}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [get, create, patch]
{{- end -}}

{{/* To know which namespaces are members of a trust domain, by their labels. Limited, it watches each by its name. */}}
{{- define "trustmesh.permissions.namespaces" -}}
- apiGroups: [""]
  resources: [namespaces]
  {{- with .Values.watchNamespaces }}
  resourceNames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  verbs: [get, list, watch]
{{- end -}}
