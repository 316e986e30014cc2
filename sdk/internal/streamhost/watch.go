package streamhost

import "golang.org/x/sys/unix"

// wantLocked is which events the connection waits for now.
func (c *conn) wantLocked() (events uint32) {
	switch {
	case c.broken:
		return 0
	case c.phase == lingering:
		return unix.EPOLLIN
	case c.phase == serving && !c.ended && c.cause == 0 && !c.stopped:
		events = unix.EPOLLIN
	}
	if c.waiting && (c.phase == serving || c.phase == closing) {
		events |= unix.EPOLLOUT
	}
	return events
}

// watchLocked brings epoll in line with what the connection waits for. A
// connection that is in the set and wants nothing stays there: it learns of a
// reset.
func (c *conn) watchLocked(w *worker) {
	want := c.wantLocked()
	if c.registered && want == c.interest || !c.registered && want == 0 {
		return
	}
	ev := unix.EpollEvent{Events: want, Fd: c.fd}
	op := unix.EPOLL_CTL_MOD
	if !c.registered {
		op = unix.EPOLL_CTL_ADD
		c.loop.put(c.fd, c)
	}
	if err := unix.EpollCtl(c.loop.epoll, op, int(c.fd), &ev); err != nil {
		if !c.registered {
			c.loop.put(c.fd, nil)
		}
		c.host.log.Error("epoll control", "connection", c.id, "error", err)
		c.breakLocked(w, causeInternal)
		return
	}
	c.registered, c.interest = true, want
}

// unwatchLocked takes the connection out of the epoll set. This must be done
// before the descriptor is closed: others hold copies of it, and epoll would go
// on reporting a socket that has no number here any more.
func (c *conn) unwatchLocked() {
	if !c.registered {
		return
	}
	c.registered, c.interest = false, 0
	// It can only fail if the descriptor is not in the set.
	_ = unix.EpollCtl(c.loop.epoll, unix.EPOLL_CTL_DEL, int(c.fd), nil)
	c.loop.put(c.fd, nil)
}

// put sets the connection of a descriptor.
func (l *loop) put(fd int32, c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := int(fd) + 1 - len(l.slots); n > 0 {
		l.slots = append(l.slots, make([]*conn, n)...)
	}
	l.slots[fd] = c
}

// handle acts on events of the connection's socket.
func (c *conn) handle(w *worker, events uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.registered {
		return // it left the set after the events were taken
	}
	if events&unix.EPOLLOUT != 0 && c.waiting {
		c.flushLocked(w)
	}
	if events&(unix.EPOLLIN|unix.EPOLLERR|unix.EPOLLHUP) == 0 || !c.registered {
		return
	}
	switch want := c.wantLocked(); {
	case c.phase == lingering:
		c.drainLocked(w)
	case want&unix.EPOLLIN == 0:
		c.unreadableLocked(w, events)
	case !c.windowOpenLocked():
		// The window shut at the end of what had come. Only now that there is
		// more is it worth a system call to look away.
		c.stopLocked()
		c.unreadableLocked(w, events)
	default:
		c.readLocked(w)
	}
}

// unreadableLocked acts on events while the connection does not read.
func (c *conn) unreadableLocked(w *worker, events uint32) {
	if events&unix.EPOLLERR != 0 {
		if errno, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR); err != nil || errno != 0 {
			c.breakLocked(w, causeReset)
			return
		}
	}
	if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		// Epoll always reports these, again and again. What the peer sent
		// before is read when the window opens.
		c.unwatchLocked()
		if !c.waiting {
			return
		}
	}
	c.watchLocked(w)
}
