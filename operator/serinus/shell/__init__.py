"""The imperative shell: everything that talks to Kubernetes, the clock or the network. Decides nothing."""
