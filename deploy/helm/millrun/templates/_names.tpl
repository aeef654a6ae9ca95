{{- define "millrun.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "millrun.labels" -}}
app.kubernetes.io/name: millrun
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "millrun.selector" -}}
app.kubernetes.io/name: millrun
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "millrun.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "millrun.name" .) }}
{{- end }}

{{- define "millrun.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "millrun.pod" -}}
serviceAccountName: {{ include "millrun.serviceAccount" . }}
automountServiceAccountToken: false
# Longer than MILLRUN_DRAIN_SECONDS: what runs is to end.
terminationGracePeriodSeconds: 60
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "millrun.container" -}}
image: {{ include "millrun.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
envFrom:
  - secretRef:
      name: {{ .Values.existingSecret | quote }}
  - configMapRef:
      name: {{ include "millrun.name" . }}
ports:
  - name: http
    containerPort: 8080
livenessProbe:
  httpGet:
    path: /healthz
    port: http
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
startupProbe:
  httpGet:
    path: /healthz
    port: http
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 150
readinessProbe:
  httpGet:
    path: /readyz
    port: http
  periodSeconds: 3
  timeoutSeconds: 3
  failureThreshold: 1
{{- end }}

{{- define "millrun.volumes" -}}
volumes:
  - name: tmp
    emptyDir: {}
  - name: data
    emptyDir: {}
{{- end }}
