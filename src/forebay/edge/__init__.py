"""① of four: HTTP inlets. Receive → authenticate → check the envelope → append → answer."""
