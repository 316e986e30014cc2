package main

// kernelProcs decides the kernel process's GOMAXPROCS. inherited says that the
// environment sets it; available is what the runtime would use. 0 leaves it.
//
// On one or two CPUs kernel and plugins share the cores: with one P each, the
// processes hand messages over without their own threads competing for a core.
func kernelProcs(inherited bool, available int) int {
	if inherited || available > 2 {
		return 0
	}
	return 1
}
