[ http://h.example/#frag ]
