"""The local API: JSON over HTTP on a Unix socket, whose file permissions are its log-in."""
