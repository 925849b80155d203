"""What files that hold sound are called."""

_NAMES = """
    3gp aac ac3 aif aifc aiff alac amr ape au avi caf flac flv m4a m4b m4v mka mkv mov mp2 mp3 mp4 mpeg mpg
    oga ogg opus snd sph ts tta voc w64 wav webm wma wmv wv
"""
EXTENSIONS = frozenset(f".{name}" for name in _NAMES.split())
