"""What the model may call. Each tool runs inside the session's sandbox."""
