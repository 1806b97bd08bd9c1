//! Progress of builds.
