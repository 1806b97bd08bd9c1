{ count ? 2, ... }: throw "called with ${toString count}"
