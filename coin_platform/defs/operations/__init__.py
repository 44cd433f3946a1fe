"""What running the platform takes: present where the deployment is paid for."""
