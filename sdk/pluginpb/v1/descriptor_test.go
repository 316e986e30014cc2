package pluginpb_test

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// released is the contract as it was released. After an addition it is made
// anew, in this directory:
//
//	protoc --descriptor_set_out=testdata/plugin.binpb --include_source_info=false plugin.proto
//
//go:embed testdata/plugin.binpb
var released []byte

// entries lists what may not change of a file: one line each, with number, name
// and type.
func entries(f protoreflect.FileDescriptor) map[string]string {
	all := make(map[string]string)
	for i := range f.Messages().Len() {
		messageEntries(all, f.Messages().Get(i))
	}
	for i := range f.Enums().Len() {
		enumEntries(all, f.Enums().Get(i))
	}
	for i := range f.Services().Len() {
		s := f.Services().Get(i)
		for j := range s.Methods().Len() {
			m := s.Methods().Get(j)
			all[string(m.FullName())] = fmt.Sprintf("(%v %s) (%v %s)", m.IsStreamingClient(), m.Input().FullName(), m.IsStreamingServer(), m.Output().FullName())
		}
	}
	return all
}

func messageEntries(all map[string]string, m protoreflect.MessageDescriptor) {
	all[string(m.FullName())] = "message"
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		all[fmt.Sprintf("%s#%d", m.FullName(), f.Number())] = fieldEntry(f)
	}
	for i := range m.Messages().Len() {
		messageEntries(all, m.Messages().Get(i))
	}
	for i := range m.Enums().Len() {
		enumEntries(all, m.Enums().Get(i))
	}
}

func fieldEntry(f protoreflect.FieldDescriptor) string {
	s := fmt.Sprintf("%s %v %v", f.Name(), f.Cardinality(), f.Kind())
	if f.Message() != nil {
		s += " " + string(f.Message().FullName())
	}
	if f.Enum() != nil {
		s += " " + string(f.Enum().FullName())
	}
	if o := f.ContainingOneof(); o != nil {
		s += " of " + string(o.Name())
	}
	return s
}

func enumEntries(all map[string]string, e protoreflect.EnumDescriptor) {
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		all[fmt.Sprintf("%s#%d", e.FullName(), v.Number())] = string(v.Name())
	}
}

// changes says what of before is not as it was.
func changes(before, now map[string]string) (broken []string) {
	for what, was := range before {
		is, ok := now[what]
		switch {
		case !ok:
			broken = append(broken, fmt.Sprintf("%s (%s) was removed", what, was))
		case is != was:
			broken = append(broken, fmt.Sprintf("%s was %q, is %q", what, was, is))
		}
	}
	return broken
}

func releasedFile(t *testing.T) *descriptorpb.FileDescriptorProto {
	t.Helper()
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(released, &set); err != nil {
		t.Fatal(err)
	}
	if len(set.File) != 1 {
		t.Fatalf("testdata/plugin.binpb has %d files, want 1", len(set.File))
	}
	return set.File[0]
}

func parsed(t *testing.T, p *descriptorpb.FileDescriptorProto) map[string]string {
	t.Helper()
	f, err := protodesc.NewFile(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return entries(f)
}

func TestContractIsKept(t *testing.T) {
	before, now := parsed(t, releasedFile(t)), entries(pb.File_plugin_proto)
	for _, c := range changes(before, now) {
		t.Errorf("%s; make a v2 instead", c)
	}
	for what, is := range now {
		if _, ok := before[what]; !ok {
			t.Errorf("%s (%s) is not in testdata/plugin.binpb: make it anew, as this file's beginning says", what, is)
		}
	}
}

// TestChangesAreSeen shows that TestContractIsKept would see what it is for.
func TestChangesAreSeen(t *testing.T) {
	before := parsed(t, releasedFile(t))
	tests := []struct {
		name   string
		change func(f *descriptorpb.FileDescriptorProto)
	}{
		{"field renumbered", func(f *descriptorpb.FileDescriptorProto) { message(f, "Open").Field[1].Number = proto.Int32(99) }},
		{"field renamed", func(f *descriptorpb.FileDescriptorProto) { message(f, "Open").Field[1].Name = proto.String("other") }},
		{"field removed", func(f *descriptorpb.FileDescriptorProto) { m := message(f, "Open"); m.Field = m.Field[1:] }},
		{"type changed", func(f *descriptorpb.FileDescriptorProto) {
			message(f, "Open").Field[0].Type = descriptorpb.FieldDescriptorProto_TYPE_UINT64.Enum()
		}},
		{"message removed", func(f *descriptorpb.FileDescriptorProto) {
			for i, m := range f.MessageType {
				if m.GetName() == "FieldError" {
					m.Name = proto.String("Other")
				} else if m.GetName() == "ConfigureResponse" {
					f.MessageType[i].Field = nil
				}
			}
		}},
		{"enum value renumbered", func(f *descriptorpb.FileDescriptorProto) { f.EnumType[0].Value[1].Number = proto.Int32(99) }},
		{"enum value renamed", func(f *descriptorpb.FileDescriptorProto) { f.EnumType[0].Value[1].Name = proto.String("KIND_OTHER") }},
		{"method removed", func(f *descriptorpb.FileDescriptorProto) { s := f.Service[0]; s.Method = s.Method[1:] }},
		{"method no stream", func(f *descriptorpb.FileDescriptorProto) { f.Service[0].Method[4].ServerStreaming = proto.Bool(false) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := releasedFile(t)
			tt.change(f)
			if len(changes(before, parsed(t, f))) == 0 {
				t.Error("no change was seen")
			}
		})
	}
}

func message(f *descriptorpb.FileDescriptorProto, name string) *descriptorpb.DescriptorProto {
	for _, m := range f.MessageType {
		if m.GetName() == name {
			return m
		}
	}
	return nil
}

func TestEnumsBeginUnspecified(t *testing.T) {
	for i := range pb.File_plugin_proto.Enums().Len() {
		e := pb.File_plugin_proto.Enums().Get(i)
		if v := e.Values().ByNumber(0); v == nil || !strings.HasSuffix(string(v.Name()), "_UNSPECIFIED") {
			t.Errorf("%s has %v as 0, want …_UNSPECIFIED", e.Name(), v)
		}
	}
}
