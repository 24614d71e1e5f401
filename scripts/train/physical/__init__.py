"""Second tier of the training footage: rigid bodies by Bullet, pictures by Cycles, both in Blender; same clips as `footage`.

`plan.py` draws from a seed what happens, with the fast generator's buildings, street, cameras and prompts. The scripts in
`inside/` run in Blender, or in a Python that has it as module `bpy`. `finish.py` makes the clip of their raw frames.
"""

VERSION = "physical-1"
