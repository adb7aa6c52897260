"""What others read: the database of the analysts and the files of e-mail and ads tools.

Belongs here: the bytes of both, and replacing them in one step. Not here: computing what is in
them.
"""
