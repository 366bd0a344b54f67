{{- define "watcher.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "watcher.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "watcher.labels" -}}
{{ include "watcher.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "watcher.postgres" -}}
{{- if eq .Values.database.kind "postgres" -}}yes{{- end -}}
{{- end -}}

{{- /* A value as text: a whole number as one, which helm has as 1e+06 when it came from a file. */ -}}
{{- define "watcher.text" -}}
{{- if not (kindIs "float64" .) }}{{ . }}{{ else if eq . (floor .) }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{- /* What a pod is, the same for the Deployment and the StatefulSet. */ -}}
{{- define "watcher.pod" -}}
metadata:
  labels:
    {{- include "watcher.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Other settings are other pods.
    checksum/settings: {{ .Values.settings | default "" | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- with .Values.serviceAccountName }}
  serviceAccountName: {{ . }}
  {{- end }}
  # Kubernetes is asked nothing.
  automountServiceAccountToken: false
  enableServiceLinks: false
  # Requests in flight have 20 s to end; then looks are saved, and leases given back.
  terminationGracePeriodSeconds: 45
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if include "watcher.postgres" . }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "watcher.selector" . | nindent 10 }}
  {{- end }}
  containers:
    - name: watcher
      image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [run]
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      ports:
        - name: http
          containerPort: 8080
      env:
        - name: WATCHER_LISTEN
          value: 0.0.0.0:8080
        - name: WATCHER_DATABASE_URL
          value: {{ ternary .Values.database.url "sqlite:////var/lib/watcher/watcher.db" (eq .Values.database.kind "postgres") | quote }}
        {{- if .Values.settings }}
        - name: WATCHER_CONFIG
          value: /etc/watcher/watcher.toml
        {{- end }}
        {{- range $name, $key := .Values.secret.variables }}
        {{- if $key }}
        - name: {{ $name }}
          valueFrom:
            secretKeyRef:
              name: {{ $.Values.secret.name }}
              key: {{ $key }}
        {{- end }}
        {{- end }}
        {{- range $name, $value := .Values.env }}
        - name: {{ $name }}
          value: {{ include "watcher.text" $value | quote }}
        {{- end }}
      {{- with .Values.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      # Tables are brought to this version before anything is served: that may take minutes where they are large.
      startupProbe:
        httpGet: {path: /livez, port: http}
        periodSeconds: 5
        failureThreshold: 120
      # Only what a restart can mend: neither CallFire nor the database is asked.
      livenessProbe:
        httpGet: {path: /livez, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 5
        timeoutSeconds: 6
        failureThreshold: 2
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if .Values.settings }}
        - name: settings
          mountPath: /etc/watcher
          readOnly: true
        {{- end }}
        {{- if not (include "watcher.postgres" .) }}
        - name: data
          mountPath: /var/lib/watcher
        {{- end }}
        {{- with .Values.volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: 64Mi
    {{- if .Values.settings }}
    - name: settings
      configMap:
        name: {{ include "watcher.name" . }}
    {{- end }}
    {{- with .Values.database.existingClaim }}
    - name: data
      persistentVolumeClaim:
        claimName: {{ . }}
    {{- end }}
    {{- with .Values.volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
