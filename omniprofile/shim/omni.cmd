@rem omniprofile's shim of omni: runs the real one under the rules of `omniprofile exec`, which puts this folder first on PATH.
@if not defined OMNIPROFILE_PYTHON goto search
@"%OMNIPROFILE_PYTHON%" -I -S -c "import sys; sys.path.append(sys.argv[1]); from omniprofile.cli.shim import shim; sys.exit(shim(sys.argv[2:]))" "%~dp0..\.." %*
@exit /b %ERRORLEVEL%
:search
@omniprofile __shim %*
@exit /b %ERRORLEVEL%
