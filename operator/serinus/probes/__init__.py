"""What runs inside the probe Job: asks, scores, reports. Never talks to Kubernetes."""
