{{/* Names of the receivers that are in use, as a comma list. */}}
{{- define "stack.receivers" -}}
{{- $used := list -}}
{{- if or .Values.alerting.slack.url (has "slack" .Values.alerting.existing) }}{{ $used = append $used "slack" }}{{ end -}}
{{- if or .Values.alerting.pagerduty.routingKey (has "pagerduty" .Values.alerting.existing) }}{{ $used = append $used "pagerduty" }}{{ end -}}
{{- if or .Values.alerting.webhook.url (has "webhook" .Values.alerting.existing) }}{{ $used = append $used "webhook" }}{{ end -}}
{{- join "," $used -}}
{{- end -}}

{{/* Configuration of one receiver, secrets by file; called with (dict "name" … "alerting" …). */}}
{{- define "stack.receiver" -}}
{{- $secret := "/etc/alertmanager/secrets/serinus-alert-receivers" -}}
name: {{ .name }}
{{- if eq .name "slack" }}
slack_configs:
- api_url_file: {{ $secret }}/slack-url
  channel: {{ .alerting.slack.channel | quote }}
  send_resolved: true
  title: '[{{ "{{ .Status | toUpper }}" }}] {{ "{{ .CommonLabels.alertname }}" }} {{ "{{ .CommonLabels.namespace }}/{{ .CommonLabels.llmservice }}" }}'
  title_link: '{{ "{{ (index .Alerts 0).Annotations.dashboard_url }}" }}'
  text: >-
    {{ "{{ range .Alerts }}*{{ .Labels.severity }}* {{ .Annotations.summary }}" }}

    {{ "{{ .Annotations.description }}" }}

    {{ "{{ with .Annotations.runbook_url }}<{{ . }}|What to do>{{ end }} {{ with .Annotations.dashboard_url }}<{{ . }}|Dashboard>{{ end }}" }}

    {{ "{{ end }}" }}
{{- else if eq .name "pagerduty" }}
pagerduty_configs:
- routing_key_file: {{ $secret }}/pagerduty-key
  send_resolved: true
  severity: '{{ "{{ .CommonLabels.severity }}" }}'
  description: '{{ "{{ (index .Alerts 0).Annotations.summary }}" }}'
  client: Serinus
  client_url: '{{ "{{ (index .Alerts 0).Annotations.dashboard_url }}" }}'
{{- else }}
webhook_configs:
- url_file: {{ $secret }}/webhook-url
  send_resolved: true
{{- end }}
{{- end -}}
