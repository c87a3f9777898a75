"""① of five: HTTP inlets. Receive → authenticate → check the envelope → append → answer."""
