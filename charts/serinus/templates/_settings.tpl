{{/* The operator's settings as environment variables; their names are those of operator/serinus/shell/settings.py. */}}
{{- define "serinus.settings" -}}
SERINUS_LOG_LEVEL: {{ .Values.operator.logLevel | quote }}
SERINUS_WORKERS: {{ .Values.operator.workers | quote }}
SERINUS_API_RATE: {{ .Values.operator.apiRate | quote }}
SERINUS_NAMESPACES: {{ join "," .Values.namespaces | quote }}
SERINUS_PROBE_IMAGE: {{ .Values.probeImage | default (include "serinus.image" .) | quote }}
SERINUS_MONITOR_LABELS: {{ .Values.operator.monitorLabels | toJson | quote }}
SERINUS_PROMETHEUS_URL: {{ .Values.prometheus.url | quote }}
SERINUS_LEASE_NAME: {{ include "serinus.fullname" . | quote }}
SERINUS_LEASE_DURATION: {{ .Values.lease.durationSeconds | quote }}
SERINUS_LEASE_RENEW_DEADLINE: {{ .Values.lease.renewDeadlineSeconds | quote }}
SERINUS_LEASE_RETRY_PERIOD: {{ .Values.lease.retryPeriodSeconds | quote }}
SERINUS_AUTHORS_VERIFIED: {{ include "serinus.authorsVerified" . | quote }}
SERINUS_ALLOW_UNVERIFIED_DECISIONS: {{ .Values.operator.allowUnverifiedDecisions | quote }}
{{- end -}}
