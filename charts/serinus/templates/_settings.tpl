{{/* The operator's settings as environment variables; their names are those of operator/serinus/shell/settings.py. */}}
{{- define "serinus.settings" -}}
SERINUS_NAMESPACES: {{ join "," .Values.namespaces | quote }}
SERINUS_LOG_LEVEL: {{ .Values.operator.logLevel | quote }}
SERINUS_WORKERS: {{ .Values.operator.workers | quote }}
SERINUS_RESYNC: {{ .Values.operator.resync | quote }}
SERINUS_PROBE_IMAGE: {{ .Values.probeImage | default (include "serinus.image" .) | quote }}
SERINUS_MONITOR_LABELS: {{ .Values.operator.monitorLabels | toJson | quote }}
SERINUS_DASHBOARD_LABELS: {{ .Values.operator.dashboardLabels | toJson | quote }}
SERINUS_GRAFANAS: {{ .Values.operator.grafanas | toJson | quote }}
SERINUS_RUNBOOK_URL: {{ .Values.operator.runbookUrl | quote }}
SERINUS_DASHBOARD_URL: {{ .Values.operator.dashboardUrl | quote }}
SERINUS_TRACE_ENDPOINTS: {{ .Values.traces.endpoints | toJson | quote }}
SERINUS_COLLECTOR_VERSION: {{ .Values.traces.collectorVersion | quote }}
SERINUS_COLLECTOR_IMAGE: {{ .Values.traces.collectorImage | quote }}
SERINUS_LOKI_URL: {{ .Values.logs.lokiUrl | quote }}
SERINUS_LOKI_TENANT: {{ .Values.logs.lokiTenant | quote }}
SERINUS_ALLOY_PER_NODE: {{ .Values.logs.alloyPerNode | quote }}
SERINUS_ALLOY_PUSH_PORT: {{ .Values.logs.alloyPushPort | quote }}
SERINUS_LOKI_RULE_LABELS: {{ .Values.logs.ruleLabels | toJson | quote }}
SERINUS_LOKI_RULE_FOLDER: {{ .Values.logs.ruleFolder | quote }}
SERINUS_PROMTAIL_POSITIONS: {{ .Values.logs.promtailPositions | quote }}
SERINUS_POD_LOGS: {{ .Values.logs.podLogs | quote }}
SERINUS_ALLOWED_SERVICE_TYPES: {{ join "," .Values.operator.allowedServiceTypes | quote }}
SERINUS_ALLOWED_SERVICE_ANNOTATIONS: {{ join "," .Values.operator.allowedServiceAnnotations | quote }}
SERINUS_DNS_TARGETS: {{ .Values.operator.dnsTargets | toJson | quote }}
SERINUS_NETWORK_CLIENTS: {{ .Values.network.clients | toJson | quote }}
SERINUS_NETWORK_MONITORING: {{ .Values.network.monitoring | toJson | quote }}
SERINUS_NETWORK_EGRESS: {{ .Values.network.egress | toJson | quote }}
SERINUS_NETWORK_HOSTS: {{ join "," .Values.network.hosts | quote }}
SERINUS_NETWORK_INSIDE: {{ join "," .Values.network.inside | quote }}
SERINUS_MODEL_PATHS: {{ join "," .Values.network.modelPaths | quote }}
SERINUS_ADMISSION_POLICY: {{ include "serinus.admissionPolicy" . | quote }}
SERINUS_USER: {{ printf "system:serviceaccount:%s:%s" .Release.Namespace (include "serinus.serviceAccount" .) | quote }}
SERINUS_ENDPOINTS: {{ .Values.operator.endpoints | toJson | quote }}
SERINUS_ENDPOINT_CIDRS: {{ .Values.operator.endpointCidrs | toJson | quote }}
SERINUS_PRICES: {{ .Values.operator.prices | toJson | quote }}
SERINUS_OBSERVERS: {{ join "," .Values.operator.observers | quote }}
SERINUS_ALLOW_PYTHON: {{ .Values.operator.allowPython | quote }}
SERINUS_AUTHORS_VERIFIED: {{ include "serinus.authorsVerified" . | quote }}
SERINUS_ALLOW_UNVERIFIED_DECISIONS: {{ .Values.operator.allowUnverifiedDecisions | quote }}
SERINUS_EVIDENCE_MAX_AGE: {{ .Values.operator.evidenceMaxAge | quote }}
SERINUS_PROMETHEUS_URL: {{ .Values.prometheus.url | quote }}
SERINUS_API_RATE: {{ .Values.api.rate | quote }}
SERINUS_API_BURST: {{ .Values.api.burst | quote }}
SERINUS_API_CONCURRENCY: {{ .Values.api.concurrency | quote }}
SERINUS_LEASE_NAME: {{ include "serinus.fullname" . | quote }}
SERINUS_LEASE_DURATION: "{{ .Values.lease.durationSeconds }}s"
SERINUS_LEASE_RENEW_DEADLINE: "{{ .Values.lease.renewDeadlineSeconds }}s"
SERINUS_LEASE_RETRY_PERIOD: "{{ .Values.lease.retryPeriodSeconds }}s"
SERINUS_WRITE_TIMEOUT: "{{ .Values.lease.writeTimeoutSeconds }}s"
SERINUS_METRICS_PORT: "9090"
SERINUS_HEALTH_PORT: "8080"
SERINUS_GATE_PORT: "8081"
{{- end -}}
