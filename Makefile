# Every target makes the environment first; the second time that takes a moment.
# Any python3 starts the bootstrap, which looks for one that is new enough.

RUN = for python in python3 python3.13 python3.12 /usr/bin/python3; do \
	  if $$python -c "" >/dev/null 2>&1; then exec $$python -B config/launcher/bootstrap.py

.PHONY: demo test lint format bench setup

demo test lint format bench setup:
	@$(RUN) $@ $(ARGS); fi; done; echo "Countersign needs Python: install python3 and run make $@ again."; exit 1
