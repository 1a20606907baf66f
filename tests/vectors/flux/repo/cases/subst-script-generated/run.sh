#!/bin/sh
echo "${HOME%/}" "${1@Q}"
