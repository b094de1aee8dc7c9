{{/* What the chart's objects are called and labelled with. */}}

{{- define "trustmesh.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Roles and bindings lie outside the release's namespace, so their name says which release they belong to. */}}
{{- define "trustmesh.grantName" -}}
{{- printf "%s:%s" .Release.Namespace (include "trustmesh.name" .) -}}
{{- end -}}

{{- define "trustmesh.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "trustmesh.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "trustmesh.image" -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest -}}
@{{ .Values.image.digest }}
{{- else -}}
:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* What selects the Pods. A Deployment cannot change it, so it holds nothing that a value or an upgrade could. */}}
{{- define "trustmesh.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "trustmesh.labels" -}}
{{ include "trustmesh.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/*
The labels, and the annotations where there are any, that follow name and namespace in the metadata of every object.
Takes (list $ (dict "labels" ... "annotations" ...)): what this object has beside those of all. The chart's labels win.
*/}}
{{- define "trustmesh.metadata" -}}
{{- $root := index . 0 -}}
{{- $own := index . 1 -}}
labels:
  {{- merge (include "trustmesh.labels" $root | fromYaml) (default (dict) $own.labels) $root.Values.labels | toYaml | nindent 2 }}
{{- with merge (dict) (default (dict) $own.annotations) $root.Values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Not empty where a ServiceMonitor is asked for and the cluster knows what one is. */}}
{{- define "trustmesh.monitored" -}}
{{- if and .Values.serviceMonitor.enabled (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1") -}}
true
{{- end -}}
{{- end -}}
