package handlerhost

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/netcore-go/netcore/sdk/pluginpb/v1"
)

// wire returns the wire form of a value, nil if there is none.
func wire(value any) *pb.Value {
	switch v := value.(type) {
	case bool:
		return &pb.Value{Kind: &pb.Value_Bool{Bool: v}}
	case string:
		return &pb.Value{Kind: &pb.Value_String_{String_: v}}
	case []byte:
		return &pb.Value{Kind: &pb.Value_Bytes{Bytes: v}}
	case float32:
		return &pb.Value{Kind: &pb.Value_Float{Float: float64(v)}}
	case float64:
		return &pb.Value{Kind: &pb.Value_Float{Float: v}}
	}
	if i, ok := signed(value); ok {
		return &pb.Value{Kind: &pb.Value_Int{Int: i}}
	}
	if u, ok := unsigned(value); ok {
		return &pb.Value{Kind: &pb.Value_Uint{Uint: u}}
	}
	return nil
}

func signed(value any) (int64, bool) {
	switch v := value.(type) {
	case int:
		return int64(v), true
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	}
	return 0, false
}

func unsigned(value any) (uint64, bool) {
	switch v := value.(type) {
	case uint:
		return uint64(v), true
	case uint8:
		return uint64(v), true
	case uint16:
		return uint64(v), true
	case uint32:
		return uint64(v), true
	case uint64:
		return v, true
	case uintptr:
		return uint64(v), true
	}
	return 0, false
}

// restore takes over the context that a binding brings. Nobody else knows c yet.
func (c *conn) restore(context map[string]*pb.Value) {
	for key, v := range context {
		if val := native(v); val != nil {
			c.setLocked(key, value{val, len(key) + proto.Size(v)})
		}
	}
}

// native returns the value that v stands for, nil if it is of a later version.
func native(v *pb.Value) any {
	switch v := v.GetKind().(type) {
	case *pb.Value_Bool:
		return v.Bool
	case *pb.Value_Int:
		return v.Int
	case *pb.Value_Uint:
		return v.Uint
	case *pb.Value_Float:
		return v.Float
	case *pb.Value_String_:
		return v.String_
	case *pb.Value_Bytes:
		return v.Bytes
	}
	return nil
}
