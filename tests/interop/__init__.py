"""Other programs' mail, through Postroom to a real Postfix and to sinks, compared with what was sent."""
