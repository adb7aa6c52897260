"""What others read: the database of the analysts and the files of e-mail and ads tools.

Belongs here: the bytes of both, replacing them in one step, and bringing files to the tools. Not
here: computing what is in them.
"""
