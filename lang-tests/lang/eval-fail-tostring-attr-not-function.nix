"${{ __toString = 5; }}"
