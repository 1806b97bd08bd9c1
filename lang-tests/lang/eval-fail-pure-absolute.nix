import /etc/hostname
