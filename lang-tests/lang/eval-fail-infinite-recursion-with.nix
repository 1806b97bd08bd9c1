with rec { inherit (z) y; z = y; }; y
