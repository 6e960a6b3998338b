// A relay with Go's net/http as server and as client, encoding/json, and a Flush for each token.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
)

type question struct {
	Model    string          `json:"model"`
	Messages json.RawMessage `json:"messages"`
	Stream   bool            `json:"stream"`
}

type chunk struct {
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
	} `json:"choices"`
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConns: 5000, MaxIdleConnsPerHost: 5000}}

func chat(w http.ResponseWriter, r *http.Request) {
	asked := question{}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	asked.Stream = true
	body, _ := json.Marshal(asked)
	url := os.Args[2] + "/chat/completions"
	request, _ := http.NewRequestWithContext(r.Context(), "POST", url, bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer sk-none")
	response, err := client.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	flusher := w.(http.Flusher)
	flusher.Flush()
	prefix := []byte("data: ")
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		data := bytes.TrimPrefix(lines.Bytes(), prefix)
		if len(data) == len(lines.Bytes()) || string(data) == "[DONE]" {
			continue
		}
		event := chunk{}
		if json.Unmarshal(data, &event) != nil || len(event.Choices) == 0 {
			continue
		}
		if content := event.Choices[0].Delta.Content; content != "" {
			text, _ := json.Marshal(map[string]string{"content": content})
			io.WriteString(w, "data: ")
			w.Write(text)
			io.WriteString(w, "\n\n")
			flusher.Flush()
		}
	}
}

func main() {
	http.HandleFunc("/chat", chat)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
