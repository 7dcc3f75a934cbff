"""Where champions serve: our own service, which follows the ledger, or an endpoint on SageMaker."""
