{{/* Names of everything: at most 63 characters. */}}
{{- define "serinus.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Name of a cluster-scoped object: two releases in two namespaces must not meet. */}}
{{- define "serinus.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "serinus.fullname" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "serinus.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "serinus.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: serinus
app.kubernetes.io/component: operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "serinus.selector" . }}
{{- end -}}

{{- define "serinus.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "serinus.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "serinus.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Rules of one place, from the generated files/rules.yaml; called with (dict "context" $ "place" "watched"). */}}
{{- define "serinus.rules" -}}
{{- $rules := .context.Files.Get "files/rules.yaml" | fromYaml -}}
{{- toYaml (index $rules .place) -}}
{{- end -}}

{{/* Whether the whole cluster is served: "true" or nothing. */}}
{{- define "serinus.clusterWide" -}}
{{- if not .Values.namespaces -}}true{{- end -}}
{{- end -}}

{{/* Whether the policy on services' objects is installed: "true" or "false". */}}
{{- define "serinus.admissionPolicy" -}}
{{- if and .Values.admissionPolicy.enabled (include "serinus.clusterWide" .) -}}true{{- else -}}false{{- end -}}
{{- end -}}

{{/* Whether the API server checks who signs a Decision: "true" or "false". */}}
{{- define "serinus.authorsVerified" -}}
{{- if and .Values.decisionPolicy.enabled (include "serinus.clusterWide" .) -}}true{{- else -}}false{{- end -}}
{{- end -}}
