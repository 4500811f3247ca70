"""One signed file that carries Earshot to a machine without a network.

keys      the ed25519 key that signs, and its public half
manifest  what a bundle holds: path, size, checksum and licence of every piece
archive   the tar itself: its bytes follow from the manifest, and are checked against it
pieces    what goes in, from the tree, the models, the wheels and the images
create    pieces -> bundle
site      versions on the target: unpacked beside each other, one of them current
install   bundle -> site, and back to the version before
"""
