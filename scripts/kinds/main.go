// kinds writes the shapes of Kubernetes' own kinds as JSON: what FromUnstructured of k8s.io/apimachinery
// reads into the types of client-go's scheme, as kustomize-controller does.
//
// In a module with the requirements of kustomize-controller's go.mod, run
// `go run . > src/fluxsecrets/flux/validity/kinds.json`.
package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

var special = map[reflect.Type]any{
	reflect.TypeOf(resource.Quantity{}):  "quantity",
	reflect.TypeOf(intstr.IntOrString{}): "intOrString",
}

// What is in a manifest: no reviews, no versions that clusters may not have.
var stable = regexp.MustCompile(`^v[0-9]+$`)
var left = map[string]bool{"authentication.k8s.io": true, "authorization.k8s.io": true, "events.k8s.io": true, "resource.k8s.io": true}

var structs = map[string]map[string]any{}

func name(t reflect.Type) string {
	p := strings.TrimPrefix(strings.TrimPrefix(t.PkgPath(), "k8s.io/api/"), "k8s.io/apimachinery/pkg/apis/")
	return p + "." + t.Name()
}

func shape(t reflect.Type) any {
	if s, ok := special[t]; ok {
		return s
	}
	if t.Kind() == reflect.Pointer {
		return shape(t.Elem())
	}
	if value.TypeReflectEntryOf(t).CanConvertFromUnstructured() || value.TypeReflectEntryOf(reflect.PointerTo(t)).CanConvertFromUnstructured() {
		return "any"
	}
	switch t.Kind() {
	case reflect.Map:
		return []any{"map", shape(t.Elem())}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return []any{"list", shape(t.Elem())}
	case reflect.Struct:
		n := name(t)
		if _, ok := structs[n]; !ok {
			f := map[string]any{}
			structs[n] = f
			fields(t, f)
		}
		return "." + n
	case reflect.Interface:
		return "any"
	}
	return t.Kind().String()
}

func fields(t reflect.Type, f map[string]any) {
	for i := 0; i < t.NumField(); i++ {
		sf := t.Field(i)
		tag, ok := sf.Tag.Lookup("json")
		n := strings.Split(tag, ",")[0]
		if !ok || n == "" && !sf.Anonymous {
			n = sf.Name
		}
		if n == "" {
			ft := sf.Type
			if ft.Kind() == reflect.Pointer {
				ft = ft.Elem()
			}
			if ft == reflect.TypeOf(metav1.TypeMeta{}) {
				f["kind"], f["apiVersion"] = "string", "string"
			} else {
				fields(ft, f)
			}
			continue
		}
		f[n] = shape(sf.Type)
	}
}

func main() {
	kinds := map[string]any{}
	for gvk, t := range scheme.Scheme.AllKnownTypes() {
		if !stable.MatchString(gvk.Version) || left[gvk.Group] || strings.HasSuffix(gvk.Kind, "List") || strings.HasSuffix(gvk.Kind, "Options") || gvk.Kind == "WatchEvent" || gvk.Kind == "Status" {
			continue
		}
		if _, ok := t.FieldByName("ObjectMeta"); !ok {
			continue
		}
		n := shape(t).(string)
		kinds[gvk.GroupVersion().String()+"/"+gvk.Kind] = n
		if _, ok := structs[n[1:]]["status"]; ok {
			structs[n[1:]]["status"] = "any"
		}
	}
	used := map[string]any{}
	var mark func(s any)
	mark = func(s any) {
		switch x := s.(type) {
		case []any:
			mark(x[1])
		case string:
			if n, ok := strings.CutPrefix(x, "."); ok && used[n] == nil {
				used[n] = structs[n]
				for _, f := range structs[n] {
					mark(f)
				}
			}
		}
	}
	for _, n := range kinds {
		mark(n)
	}
	lines := func(m map[string]any) string {
		var l []string
		for _, k := range slices.Sorted(maps.Keys(m)) {
			b, _ := json.Marshal(m[k])
			l = append(l, fmt.Sprintf("%q: %s", k, b))
		}
		return strings.Join(l, ",\n")
	}
	fmt.Printf("{\"kinds\": {\n%s\n},\n\"structs\": {\n%s\n}}\n", lines(kinds), lines(used))
}
