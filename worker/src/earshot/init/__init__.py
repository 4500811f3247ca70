"""`earshot init`: makes a folder with compose.yaml ready for `docker compose up`.

    folder.py     what is written: .env, secrets, the servers' configurations
    env_file.py   .env, of which everything that is there already stays
    network.py    the address that callers use, and whether the ports are free
    services.py   configurations of the profiles egress and sip
    docker.py     is there a Docker that can run it?

It starts nothing, and what it finds in place it leaves: run twice it changes nothing.
"""
